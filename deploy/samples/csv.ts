import { parse } from 'csv-parse/sync';
import { messageOf } from '../../src/core/mod.js';
import type { TensorSpec } from '../../src/model/mod.js';
import { valueOfText, type Value } from '../../src/tensor/mod.js';
import { refused } from './refused.js';

/** Which cells of a table make a tensor. */
export interface CsvPart {
  readonly rows?: number | readonly number[];
  readonly columns?: readonly (string | number)[];
  readonly header?: boolean;
  readonly delimiter?: string;
}

/**
 * Cells of a CSV file (RFC 4180, UTF-8) by row, as many columns as `columns` says: without it the column that is
 * named like the input, else all.
 * @returns values with the shape [rows, columns]
 * @throws EdgeError INVALID_ARGUMENT naming the row and column
 */
export function readCsv(
  bytes: Uint8Array,
  part: CsvPart,
  spec: TensorSpec,
  field: string,
): { values: Value[]; shape: number[] } {
  const table = parseTable(bytes, part.delimiter ?? ',', field);
  const names = part.header === false ? undefined : table.shift();
  const columns = columnsOf(part.columns, names, table[0]?.length ?? 0, spec.name, field);
  const rows = typeof part.rows === 'number' ? [part.rows] : (part.rows ?? [1]);
  const values = rows.flatMap((number) => {
    const row = table[number - 1];
    if (row === undefined) {
      throw refused(`row ${number} is not in the table: it has ${table.length}`, `${field}.rows`);
    }
    return columns.map((column) => {
      const text = row[column] ?? '';
      if (text.trim() === '' && spec.datatype !== 'BYTES') {
        throw refused(
          `row ${number} of '${field}.csv' is empty in column ${names?.[column] ?? column + 1}`,
          `${field}.csv`,
          'Write NaN for a missing number, or name other columns',
        );
      }
      return valueOfText(spec.datatype, text);
    });
  });
  return { values, shape: [rows.length, columns.length] };
}

function parseTable(bytes: Uint8Array, delimiter: string, field: string): string[][] {
  try {
    return parse(Buffer.from(bytes), { delimiter, bom: true, skip_empty_lines: true });
  } catch (error) {
    throw refused(`'${field}.csv' is no table: ${messageOf(error)}`, `${field}.csv`, undefined, error);
  }
}

/** Indices of the wanted columns. */
function columnsOf(
  wanted: CsvPart['columns'],
  names: readonly string[] | undefined,
  width: number,
  input: string,
  field: string,
): number[] {
  const named = names?.indexOf(input) ?? -1;
  if (wanted === undefined && named >= 0) return [named];
  if (wanted === undefined) return Array.from({ length: width }, (_, index) => index);
  return wanted.map((column) => {
    const index = typeof column === 'number' ? column - 1 : (names?.indexOf(column) ?? -1);
    if (index < 0 || index >= width) {
      const known = names === undefined ? `1 to ${width}` : names.join(', ');
      throw refused(`column ${column} is not in the table: it has ${known}`, `${field}.columns`);
    }
    return index;
  });
}
