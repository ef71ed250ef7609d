import { launch, siblingEntry } from '../../../src/component/launcher/mod.js';

await launch({
  name: 'Third',
  title: 'the third component',
  worker: 'Third process',
  entry: siblingEntry(import.meta.url, 'work'),
});
