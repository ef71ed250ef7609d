import { dirname } from 'node:path/posix';
import type { Finding, Import, Source } from './sources.js';
import { isMod } from './syntax.js';

/** A room is a folder with a mod.ts, and what lies below it outside of other rooms. */
export function bypasses(sources: readonly Source[]): Finding[] {
  const mods = new Set(sources.map(({ path }) => path).filter(isMod));
  return importsWithin(sources)
    .filter(({ from, target }) => !isMod(target) && roomOf(from.path, mods) !== roomOf(target, mods))
    .map(({ from, line, target }) => ({
      where: `${from.path}:${line}`,
      what: `reaches ${target} past its mod.ts`,
    }));
}

function roomOf(path: string, mods: ReadonlySet<string>): string {
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    if (mods.has(`${folder}/mod.ts`)) return folder;
  }
  // Outside of all rooms a folder keeps to itself.
  return dirname(path);
}

/**
 * Groups of folders that cannot be understood one after the other. What a room's mod.ts passes on from the room's
 * own folders makes no arrow: the door is no part of the house's plan.
 */
export function folderCircles(sources: readonly Source[]): Finding[] {
  const arrows = new Map<string, Map<string, string>>();
  for (const { from, line, target } of importsWithin(sources)) {
    const [source, aim] = [dirname(from.path), dirname(target)];
    if (!arrows.has(aim)) arrows.set(aim, new Map());
    const inside = isMod(from.path) && aim.startsWith(`${source}/`);
    if (source === aim || inside) continue;
    const known = arrows.get(source) ?? new Map<string, string>();
    arrows.set(source, known.set(aim, known.get(aim) ?? `${from.path}:${line}`));
  }
  return circlesOf(arrows).map((folders) => describe(folders, arrows));
}

function describe(
  folders: readonly string[],
  arrows: ReadonlyMap<string, ReadonlyMap<string, string>>,
): Finding {
  const members = new Set(folders);
  const inside = folders.flatMap((folder) =>
    [...(arrows.get(folder) ?? [])]
      .filter(([aim]) => members.has(aim))
      .map(([aim, place]) => `${folder} -> ${aim} (${place})`),
  );
  return { where: folders.join(', '), what: `circle: ${inside.join('; ')}` };
}

/** Folders that reach each other both ways (strongly connected, more than one), each group once. */
function circlesOf(arrows: ReadonlyMap<string, ReadonlyMap<string, string>>): string[][] {
  const reach = new Map([...arrows.keys()].map((folder) => [folder, reachable(folder, arrows)]));
  const groups = new Map<string, string[]>();
  for (const [folder, reached] of reach) {
    const group = [...reached].filter((other) => reach.get(other)?.has(folder) === true).sort();
    if (group.length > 1) groups.set(group.join(' '), group);
  }
  return [...groups.values()];
}

function reachable(from: string, arrows: ReadonlyMap<string, ReadonlyMap<string, string>>): Set<string> {
  const reached = new Set<string>();
  const ahead = [from];
  for (let folder = ahead.pop(); folder !== undefined; folder = ahead.pop()) {
    for (const aim of arrows.get(folder)?.keys() ?? []) {
      if (!reached.has(aim)) ahead.push(aim);
      reached.add(aim);
    }
  }
  return reached;
}

interface InnerImport extends Import {
  readonly from: Source;
  readonly target: string;
}

function importsWithin(sources: readonly Source[]): InnerImport[] {
  return sources.flatMap((from) =>
    from.imports.flatMap(({ specifier, line, target }) =>
      target === undefined ? [] : [{ from, specifier, line, target }],
    ),
  );
}
