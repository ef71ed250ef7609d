#!/usr/bin/env node
import { buildIfStale } from './fresh.mjs';

buildIfStale();
await import('../dist/deploy/cli.js');
