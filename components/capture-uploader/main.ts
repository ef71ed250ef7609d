import { launch, siblingEntry } from '../../src/component/launcher/mod.js';

await launch({
  name: 'CaptureUploader',
  title: 'the capture uploader',
  worker: 'Upload process',
  entry: siblingEntry(import.meta.url, 'upload'),
});
