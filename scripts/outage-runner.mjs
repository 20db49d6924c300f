// Jest takes one runner after the other: files of this one run beside each other, and beside no others, which would slow them down.
import TestRunner from 'jest-runner'

export default class OutageRunner extends TestRunner {}
