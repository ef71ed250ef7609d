import { runLauncher } from '../../src/runtime/host/confine/mod.js';

runLauncher();
