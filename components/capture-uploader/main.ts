import { launch, siblingEntry } from '../../src/process/mod.js';

await launch({
  component: 'the capture uploader',
  worker: 'Upload process',
  entry: siblingEntry(import.meta.url, 'upload'),
  environment: process.env,
});
