export { createIotBroker, type IotBroker, type IotMessage } from './iot-broker.js';
export { startIpcServer, type IpcServer, type IpcServerOptions } from './server.js';
