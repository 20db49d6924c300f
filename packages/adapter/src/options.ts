export {
  checkedAdapter,
  checkedFlag,
  checkedOneOf,
  checkedString,
  checkedWhole,
  checkFunctions,
  checkKnown,
  checkSignal,
  shown,
} from './checks.ts'
