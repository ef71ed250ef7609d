import { runModelHost } from '../../src/runtime/host/child/main.js';

runModelHost();
