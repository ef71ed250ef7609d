/** The way to the agent by its local endpoint. */
export { FramedRequester } from './framed-requester.js';
