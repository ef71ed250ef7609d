import type { Tensor } from '../../contract/mod.js';
import { EdgeError, validate } from '../../core/mod.js';
import { sha256 } from '../../system/mod.js';
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

/** Takes out of a record what may not reach the disk, and notes in it what was done. Never changes its argument. */
export type Redactor = (record: CaptureRecord) => CaptureRecord;

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
  const salt = config.hashSalt ?? '';
  return (record) => {
    const notes: RedactionNote[] = [...(record.redactions ?? [])];
    const side = <Item extends Tensor | AuxiliaryItem>(
      items: readonly Item[],
      mode: 'input' | 'output',
      on: boolean,
      apply: (item: Item, rule: RedactionRule) => Item | undefined,
    ): Item[] => (on ? items.flatMap((item) => redactItem(item, mode, rules, notes, apply)) : []);
    const tensor = (item: Tensor, rule: RedactionRule): Tensor | undefined => redactTensor(item, rule, salt);
    const auxiliary = (item: AuxiliaryItem, rule: RedactionRule): AuxiliaryItem | undefined =>
      rule.action === 'hash' ? { ...hashed(item, salt), encoding: 'NONE' } : undefined;
    const inputsOn = config.inputs ?? true;
    const outputsOn = config.outputs ?? true;
    const inputs = side(record.inputs, 'input', inputsOn, tensor);
    const outputs = side(record.outputs, 'output', outputsOn, tensor);
    const auxiliaryInputs = side(record.auxiliaryInputs ?? [], 'input', inputsOn, auxiliary);
    const auxiliaryOutputs = side(record.auxiliaryOutputs ?? [], 'output', outputsOn, auxiliary);
    return {
      ...record,
      inputs,
      outputs,
      ...(record.auxiliaryInputs === undefined ? {} : { auxiliaryInputs }),
      ...(record.auxiliaryOutputs === undefined ? {} : { auxiliaryOutputs }),
      ...(notes.length === 0 ? {} : { redactions: notes }),
    };
  };
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

function redactItem<Item extends Tensor | AuxiliaryItem>(
  item: Item,
  mode: 'input' | 'output',
  rules: readonly RedactionRule[],
  notes: RedactionNote[],
  apply: (item: Item, rule: RedactionRule) => Item | undefined,
): Item[] {
  let current: Item | undefined = item;
  for (const rule of rules) {
    if (rule.name !== item.name || (rule.side !== undefined && rule.side !== 'both' && rule.side !== mode)) {
      continue;
    }
    current = apply(current, rule);
    notes.push({ name: item.name, mode, action: current === undefined ? 'drop' : rule.action });
    if (current === undefined) return [];
  }
  return [current];
}

function redactTensor(tensor: Tensor, rule: RedactionRule, salt: string): Tensor | undefined {
  switch (rule.action) {
    case 'drop':
      return undefined;
    case 'hash': {
      const { data } = hashed(tensor, salt);
      return { name: tensor.name, datatype: 'UINT8', shape: [data.byteLength], data };
    }
    case 'crop':
      return cropTensor(tensor, rule.ranges);
  }
}

function hashed<Item extends { readonly data: Uint8Array }>(item: Item, salt: string): Item {
  return { ...item, data: sha256(salt, item.data) };
}
