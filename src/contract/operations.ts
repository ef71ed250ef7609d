import type { Static } from '@sinclair/typebox';
import {
  describeOperation,
  helloOperation,
  listOperation,
  loadOperation,
  registerOperation,
  statsOperation,
  unloadOperation,
} from './control-operations.js';
import { captureStatusOperation, captureSubmitOperation, predictOperation } from './data-operations.js';

/** All operations; both ends, docs/protocol and its test walk this table. */
export const operations = {
  hello: helloOperation,
  list: listOperation,
  describe: describeOperation,
  stats: statsOperation,
  load: loadOperation,
  unload: unloadOperation,
  predict: predictOperation,
  capture: captureSubmitOperation,
  captureStatus: captureStatusOperation,
  register: registerOperation,
} as const;
export type OperationName = keyof typeof operations;
export type RequestOf<Name extends OperationName> = Static<(typeof operations)[Name]['request']>;
export type ReplyOf<Name extends OperationName> = Static<(typeof operations)[Name]['reply']>;
