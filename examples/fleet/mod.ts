export { runFleetDemo } from './fleet-demo.js';
