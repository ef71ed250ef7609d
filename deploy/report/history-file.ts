import { EdgeError, messageOf, validate } from '../../src/core/mod.js';
import { isNotFound } from '../../src/disk/mod.js';
import { appendLine, readText } from '../files/mod.js';
import { FleetReport } from './schema.js';

export interface ReportHistory {
  /** Of one fleet, oldest first. */
  readonly reports: readonly FleetReport[];
  /** Lines that hold no report, such as one that a kill cut. */
  readonly unreadableLines: number;
}

/** Adds a report as one line of JSON. A line that a kill cut stays one bad line. */
export async function appendReport(path: string, report: FleetReport): Promise<void> {
  try {
    await appendLine(path, JSON.stringify(report));
  } catch (thrown) {
    throw new EdgeError('FILE_UNUSABLE', `Cannot add to the history ${path}: ${messageOf(thrown)}`, {
      field: '--history',
      nextStep: 'Give a file in a folder that exists and may be written',
      cause: thrown,
    });
  }
}

/** A file that is not there is an empty history. */
export async function readHistory(path: string, fleet: string): Promise<ReportHistory> {
  const lines = (await textOf(path)).split('\n').filter((line) => line.trim() !== '');
  const reports: FleetReport[] = [];
  let unreadableLines = 0;
  for (const line of lines) {
    const report = readLine(line);
    if (report === undefined) unreadableLines += 1;
    else if (report.deviceFleetName === fleet) reports.push(report);
  }
  return { reports: reports.sort((a, b) => a.reportGeneratedMs - b.reportGeneratedMs), unreadableLines };
}

async function textOf(path: string): Promise<string> {
  try {
    return await readText(path);
  } catch (thrown) {
    if (isNotFound(thrown)) return '';
    throw new EdgeError('FILE_UNUSABLE', `Cannot read the history ${path}: ${messageOf(thrown)}`, {
      field: '--history',
      cause: thrown,
    });
  }
}

function readLine(line: string): FleetReport | undefined {
  try {
    return validate(FleetReport, JSON.parse(line), 'Cannot read the history');
  } catch {
    // Counted by the caller: one bad line must not hide the others.
    return undefined;
  }
}
