import { buildIfStale } from './fresh.mjs';

buildIfStale({ force: true });
