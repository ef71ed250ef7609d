export { createIotBroker, type IotBroker } from './iot-broker.js';
export { startIpcServer, type IpcServer } from './server.js';
