import { runModelHost } from '../../src/runtime/host/child/mod.js';

runModelHost();
