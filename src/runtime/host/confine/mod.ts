export { runLauncher } from './confine.js';
