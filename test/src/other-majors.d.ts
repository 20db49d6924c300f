// The older majors, installed beside the newer ones: for what the tests use of them, their types are the same.
declare module 'express4' {
  import express = require('express')
  export = express
}

declare module 'koa2' {
  import Koa = require('koa')
  export = Koa
}
