#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildIfStale, root } from './fresh.mjs';

// A published package ships dist/ and no sources; a clone builds what is stale.
if (existsSync(join(root, 'src'))) buildIfStale();
await import('../dist/deploy/cli.js');
