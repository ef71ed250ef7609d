import { join, type Disk } from '../../disk/mod.js';
import { spoolFolders } from './layout.js';
import type { ObjectLayout, TimeReference } from './object-plan.js';
import type { Quarantine } from './quarantine.js';
import { SegmentBuilder } from './segment-builder.js';
import { readContent, type SegmentContent } from './segment-content.js';
import type { ClosedName, OpenName } from './segment-name.js';

export interface RecoveryContext {
  readonly disk: Disk;
  readonly root: string;
  readonly quarantine: Quarantine;
  readonly fallback: ObjectLayout;
  readonly nowMs: number;
  /** The present boot's, where the clock is right. */
  readonly reference: TimeReference | undefined;
}

export interface Recovered {
  /** Undefined where no record was left. */
  readonly name: ClosedName | undefined;
  readonly captureIds: readonly string[];
  /** Records that stood before the tail and can't be read. */
  readonly lost: number;
}

/**
 * Closes a file that a crash, a power cut or a sick disk left in `open/`. A whole one with its footer is moved; of any
 * other the whole frames are copied to a new closed segment, and the original goes once the copy is durable. A kill
 * at any point leaves the original, or both; the caller removes an original whose closed segment is there.
 * @param file the name in `open/`
 */
export async function recoverOpenFile(
  context: RecoveryContext,
  file: string,
  name: OpenName,
): Promise<Recovered> {
  const { disk, root, quarantine } = context;
  const folders = spoolFolders(root);
  const path = join(folders.open, file);
  const all = await disk.read(path);
  const bytes = name.cutBytes === undefined ? all : all.subarray(0, name.cutBytes);
  const content = readContent(bytes, name.nonce);
  const captureIds = content.records.map(({ record }) => record.captureId);
  if (content.damage.length > 0) {
    const damaged = content.damage.map(({ offset, end }) => bytes.subarray(offset, end));
    await quarantine.keep(name.base, Buffer.concat(damaged));
  }
  if (content.records.length === 0) {
    await disk.remove(path);
    return { name: undefined, captureIds, lost: content.lost };
  }
  const builder = adoptRecords(context, name, content);
  const finished = content.footer !== undefined && content.damage.length === 0 && bytes.length === all.length;
  const closed = finished ? builder.closedName(all.byteLength) : undefined;
  if (closed !== undefined) {
    await disk.rename(path, join(folders.closed, closed.file));
    return { name: closed, captureIds, lost: 0 };
  }
  return { name: await rewrite(context, path, bytes, content, builder), captureIds, lost: content.lost };
}

function adoptRecords(context: RecoveryContext, name: OpenName, content: SegmentContent): SegmentBuilder {
  const header = content.header ?? {
    v: 1,
    bootId: '',
    openedMs: context.nowMs,
    layout: { ...context.fallback },
  };
  const builder = new SegmentBuilder(name, header);
  for (const { ordinal, record, digest } of content.records) builder.adopt(ordinal, record, digest);
  return builder;
}

async function rewrite(
  context: RecoveryContext,
  path: string,
  bytes: Uint8Array,
  content: SegmentContent,
  builder: SegmentBuilder,
): Promise<ClosedName> {
  const { disk, root, nowMs, reference } = context;
  const folders = spoolFolders(root);
  const frames = content.records.map(({ frame }) => bytes.subarray(frame.offset, frame.end));
  const footer = builder.footerFrame(nowMs, reference);
  const copy = Buffer.concat([builder.headerFrame(), ...frames, footer]);
  const closed = builder.closedName(copy.byteLength);
  const temporary = join(folders.open, `.${builder.base.base}.tmp`);
  await disk.remove(temporary);
  const target = await disk.create(temporary);
  try {
    await target.append(copy);
    await target.sync();
  } finally {
    await target.close();
  }
  await disk.rename(temporary, join(folders.closed, closed.file));
  await disk.syncFolder(folders.closed);
  await disk.remove(path);
  return closed;
}
