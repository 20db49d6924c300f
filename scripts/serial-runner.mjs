// Runs test files one at a time, beside no other.
import TestRunner from 'jest-runner'

export default class SerialRunner extends TestRunner {
  isSerial = true
}
