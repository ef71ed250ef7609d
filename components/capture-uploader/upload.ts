import { runWorker } from '../../src/component/worker/mod.js';
import { nodeDisk, nodeFiles } from '../../src/disk/mod.js';
import { startCaptureUploader } from '../../src/upload/mod.js';

await runWorker({
  name: 'CaptureUploader',
  title: 'the capture uploader',
  start: (worker) => startCaptureUploader(worker, { disk: nodeDisk, files: nodeFiles }),
});
