import type { Class, PropertyKey } from 'oxc-parser';
import type { Finding, Source } from './sources.js';
import { at, visit } from './syntax.js';

/**
 * Public members of classes whose name no file mentions, by any object: `x.name`, `x['name']`, `{ name } = x`.
 * A name that two classes share counts as used by both, so nothing here is alive by accident alone.
 */
export function deadMembers(sources: readonly Source[], users: readonly Source[]): Finding[] {
  const used = new Set(users.flatMap(namesUsed));
  return sources.flatMap((source) =>
    membersOf(source)
      .filter(({ name }) => !used.has(name))
      .map(({ finding }) => finding),
  );
}

interface Member {
  readonly name: string;
  readonly finding: Finding;
}

function membersOf(source: Source): Member[] {
  const members: Member[] = [];
  const add = ({ id, body }: Class): void => {
    for (const node of body.body) {
      if (node.type !== 'MethodDefinition' && node.type !== 'PropertyDefinition') continue;
      const name = node.computed ? undefined : nameOf(node.key);
      if (name === undefined || name === 'constructor' || node.override === true) continue;
      members.push({
        name,
        finding: at(source, node.start, `${id?.name ?? 'class'}.${name} is used nowhere`),
      });
    }
  };
  visit(source, { ClassDeclaration: add, ClassExpression: add });
  return members;
}

function namesUsed(source: Source): string[] {
  const names: string[] = [];
  const add = (name: string | undefined): void => {
    if (name !== undefined) names.push(name);
  };
  visit(source, {
    MemberExpression: (node) => {
      if (node.computed) add(node.property.type === 'Literal' ? String(node.property.value) : undefined);
      else if (node.property.type === 'Identifier') add(node.property.name);
    },
    ObjectPattern: (node) => {
      for (const part of node.properties) if (part.type === 'Property') add(nameOf(part.key));
    },
  });
  return names;
}

function nameOf(key: PropertyKey): string | undefined {
  if (key.type === 'Identifier') return key.name;
  return key.type === 'Literal' ? String(key.value) : undefined;
}
