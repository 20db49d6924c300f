export {
  checkedAdapter,
  checkedFlag,
  checkedOneOf,
  checkedString,
  checkedWhole,
  checkFunctions,
  checkKnown,
  shown,
} from './checks.ts'
