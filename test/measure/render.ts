import { holds, type Measure } from './measures.js';

export function renderTable(measures: readonly Measure[]): string {
  const width = Math.max(...measures.map(({ name }) => name.length));
  const rows = measures.map((measure) => {
    const limit = measure.limit === undefined ? '' : `at most ${measure.limit}`;
    const row = `${measure.name.padEnd(width)} ${String(measure.value).padStart(6)}  ${limit}`;
    return holds(measure) ? row.trimEnd() : `${row.padEnd(width + 22)}BROKEN`;
  });
  const findings = measures
    .filter((measure) => !holds(measure))
    .flatMap(({ name, findings: found }) => found.map(({ where, what }) => `${where}: ${what} (${name})`));
  return [...rows, ...(findings.length === 0 ? [] : ['', ...findings])].join('\n');
}

/** One object: `{measures: [{name, value, limit, holds, findings}]}`; `limit` is null for figures that only inform. */
export function renderJson(measures: readonly Measure[]): string {
  const rows = measures.map((measure) => ({
    name: measure.name,
    value: measure.value,
    limit: measure.limit ?? null,
    holds: holds(measure),
    findings: holds(measure) ? [] : measure.findings,
  }));
  return JSON.stringify({ measures: rows });
}
