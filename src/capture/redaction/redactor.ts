import type { Tensor } from '../../contract/mod.js';
import { EdgeError, validate, type Steps } from '../../core/mod.js';
import { Sha256 } from '../../system/mod.js';
import type { AuxiliaryItem, CaptureRecord, RedactionNote } from '../captured/capture-record.js';
import { cropTensor } from './crop.js';
import { RULE_SCHEMAS, type RedactionRule } from './rules.js';

export interface RedactionConfig {
  readonly redaction?: readonly RedactionRule[];
  /** Whether inputs go into records; default true. */
  readonly inputs?: boolean;
  /** Whether outputs go into records; default true. */
  readonly outputs?: boolean;
  /** Secret of the `hash` redaction. */
  readonly hashSalt?: string;
}

/**
 * Takes out of a record what may not reach the disk, and notes in it what was done. Never changes its argument. Pauses,
 * as its tensors may be large.
 */
export type Redactor = (record: CaptureRecord) => Steps<CaptureRecord>;

type Mode = RedactionNote['mode'];

/**
 * Whatever a rule can't be applied to (a crop of another rank, of text, of an auxiliary item) is dropped: redaction fails closed.
 * @throws INVALID_ARGUMENT where a rule is malformed, or hashes and no salt is given
 */
export function createRedactor(config: RedactionConfig): Redactor {
  const rules = parseRedaction(config.redaction ?? []);
  if (rules.some(({ action }) => action === 'hash') && config.hashSalt === undefined) {
    throw new EdgeError('POLICY_INVALID', "Cannot hash captured values as 'hashSalt' is missing", {
      field: 'hashSalt',
      nextStep: 'Give a secret of at least 16 bytes: without it short values can be found by trying',
    });
  }
  return (record) => new Redaction(config, rules, record).run();
}

/** Of one record. */
class Redaction {
  readonly #config: RedactionConfig;
  readonly #rules: readonly RedactionRule[];
  readonly #record: CaptureRecord;
  readonly #notes: RedactionNote[];

  constructor(config: RedactionConfig, rules: readonly RedactionRule[], record: CaptureRecord) {
    this.#config = config;
    this.#rules = rules;
    this.#record = record;
    this.#notes = [...(record.redactions ?? [])];
  }

  *run(): Steps<CaptureRecord> {
    const record = this.#record;
    const salt = this.#config.hashSalt ?? '';
    const tensor: Apply<Tensor> = (item, rule) => redactTensor(item, rule, salt);
    const auxiliary: Apply<AuxiliaryItem> = (item, rule) => redactAuxiliary(item, rule, salt);
    const inputs = yield* this.#side(record.inputs, 'input', tensor);
    const outputs = yield* this.#side(record.outputs, 'output', tensor);
    const auxiliaryInputs = yield* this.#side(record.auxiliaryInputs ?? [], 'input', auxiliary);
    const auxiliaryOutputs = yield* this.#side(record.auxiliaryOutputs ?? [], 'output', auxiliary);
    return {
      ...record,
      inputs,
      outputs,
      ...(record.auxiliaryInputs === undefined ? {} : { auxiliaryInputs }),
      ...(record.auxiliaryOutputs === undefined ? {} : { auxiliaryOutputs }),
      ...(this.#notes.length === 0 ? {} : { redactions: this.#notes }),
    };
  }

  *#side<Item extends Named>(items: readonly Item[], mode: Mode, apply: Apply<Item>): Steps<Item[]> {
    const isOn = (mode === 'input' ? this.#config.inputs : this.#config.outputs) ?? true;
    const left: Item[] = [];
    for (const item of isOn ? items : []) {
      const redacted = yield* this.#item(item, mode, apply);
      if (redacted !== undefined) left.push(redacted);
    }
    return left;
  }

  *#item<Item extends Named>(item: Item, mode: Mode, apply: Apply<Item>): Steps<Item | undefined> {
    let current: Item | undefined = item;
    for (const rule of this.#rules) {
      if (!concerns(rule, item.name, mode)) continue;
      current = yield* apply(current, rule);
      this.#notes.push({ name: item.name, mode, action: current === undefined ? 'drop' : rule.action });
      if (current === undefined) return undefined;
    }
    return current;
  }
}

interface Named {
  readonly name: string;
}
type Apply<Item> = (item: Item, rule: RedactionRule) => Steps<Item | undefined>;

function concerns({ name, side = 'both' }: RedactionRule, itemName: string, mode: Mode): boolean {
  return name === itemName && (side === 'both' || side === mode);
}

/** @throws INVALID_ARGUMENT that names the rule and the parameter */
function parseRedaction(rules: readonly unknown[]): RedactionRule[] {
  return rules.map((rule, index) => {
    const action = (rule as { action?: unknown } | null)?.action;
    if (action !== 'drop' && action !== 'hash' && action !== 'crop') {
      throw new EdgeError(
        'POLICY_INVALID',
        `Cannot use the redaction as 'redaction[${index}].action' must be one of drop, hash, crop: current value is ${JSON.stringify(action)}`,
        { field: `redaction[${index}].action` },
      );
    }
    return validate(RULE_SCHEMAS[action], rule, `Cannot use redaction[${index}]`) as RedactionRule;
  });
}

function* redactTensor(tensor: Tensor, rule: RedactionRule, salt: string): Steps<Tensor | undefined> {
  switch (rule.action) {
    case 'drop':
      return undefined;
    case 'hash': {
      const data = yield* hashed(tensor.data, salt);
      return { name: tensor.name, datatype: 'UINT8', shape: [data.byteLength], data };
    }
    case 'crop':
      return yield* cropTensor(tensor, rule.ranges);
  }
}

function* redactAuxiliary(
  item: AuxiliaryItem,
  rule: RedactionRule,
  salt: string,
): Steps<AuxiliaryItem | undefined> {
  if (rule.action !== 'hash') return undefined;
  return { ...item, data: yield* hashed(item.data, salt), encoding: 'NONE' };
}

const STEP_BYTES = 256 * 1024;

function* hashed(data: Uint8Array, salt: string): Steps<Uint8Array> {
  const hash = new Sha256().update(salt);
  for (let from = 0; from < data.byteLength; from += STEP_BYTES) {
    hash.update(data.subarray(from, from + STEP_BYTES));
    if (from + STEP_BYTES < data.byteLength) yield;
  }
  return hash.digest();
}
