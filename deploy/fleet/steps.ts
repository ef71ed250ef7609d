import type { Registration } from './registration.js';

/** What an apply does, in the order in which it is done. Each may be repeated. */
export type FleetStep =
  | {
      readonly kind: 'create-group';
      readonly description: string;
      readonly tags: Readonly<Record<string, string>>;
    }
  /** Tags that are missing, and those of this project's own that differ. */
  | { readonly kind: 'tag-group'; readonly tags: Readonly<Record<string, string>> }
  | {
      readonly kind: 'create-thing';
      readonly thing: string;
      readonly attributes: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'register'; readonly thing: string; readonly entry: Registration }
  | { readonly kind: 'join'; readonly thing: string };

/** What differs from the file, or stands beside it, and stays as it is. */
export type LeftAlone =
  | { readonly kind: 'member'; readonly name: string }
  | { readonly kind: 'tag'; readonly name: string; readonly value: string }
  | { readonly kind: 'description'; readonly value: string };

/** Steps for a person, those on one subject in one row: what is done, on what, and what it becomes, a line each. */
export function describeSteps(
  steps: readonly FleetStep[],
): readonly (readonly [string, string, readonly string[]])[] {
  const rows = new Map<string, { actions: string[]; details: string[] }>();
  for (const step of steps) {
    const [action, subject, detail] = describeStep(step);
    const row = rows.get(subject) ?? { actions: [], details: [] };
    row.actions.push(action);
    row.details.push(...detail);
    rows.set(subject, row);
  }
  return [...rows].map(([subject, { actions, details }]) => [actions.join(', '), subject, details]);
}

function describeStep(
  step: FleetStep,
): readonly [action: string, subject: string, details: readonly string[]] {
  switch (step.kind) {
    case 'create-group':
      return ['create', 'thing group', tagList(step.tags)];
    case 'tag-group':
      return ['tag', 'thing group', tagList(step.tags)];
    case 'create-thing':
      return ['create', `thing ${step.thing}`, tagList(step.attributes)];
    case 'register': {
      const { device, description } = step.entry;
      const name = device === step.thing ? '' : `as ${device}`;
      return [
        'register',
        `thing ${step.thing}`,
        lineOf([name, description ?? ''].filter(Boolean).join(': ')),
      ];
    }
    case 'join':
      return ['add', `thing ${step.thing}`, []];
  }
}

function lineOf(text: string): readonly string[] {
  return text === '' ? [] : [text];
}

function tagList(tags: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(tags).map((pair) => pair.join('='));
}
