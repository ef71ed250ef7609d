import { EdgeError, messageOf } from '../../src/core/mod.js';
import { writeFileDurably } from '../../src/disk/mod.js';

/** @throws EdgeError FAILED_PRECONDITION naming the file */
export async function writeReportPage(path: string, page: string): Promise<void> {
  try {
    await writeFileDurably(path, Buffer.from(page), 0o644);
  } catch (thrown) {
    throw new EdgeError('FILE_UNUSABLE', `Cannot write the page ${path}: ${messageOf(thrown)}`, {
      field: '--html',
      nextStep: 'Give a file in a folder that exists and may be written',
      cause: thrown,
    });
  }
}
