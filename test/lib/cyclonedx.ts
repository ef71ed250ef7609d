import { spawnSync } from 'node:child_process';
import { pythonAbsence } from './python-host.js';

const VALIDATE = `
import json, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
json.dump(None if problem is None else str(problem), sys.stdout)
`;

/** Why CycloneDX's own library can't judge here, or undefined. */
export function cyclonedxAbsence(): string | undefined {
  return pythonAbsence('cyclonedx', 'jsonschema', 'referencing');
}

/** What CycloneDX's own schema, read strictly, has against a bill of materials; undefined where it has nothing. */
export function cyclonedxProblem(bill: string): string | undefined {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', VALIDATE], {
    input: bill,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as string | null) ?? undefined;
}
