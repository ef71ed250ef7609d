import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

const root = new URL('../../../', import.meta.url);

/** A block of code in a page. */
export interface DocumentedBlock {
  readonly language: string;
  readonly text: string;
  /** The heading above it. */
  readonly under: string;
}

export function pageText(page: string): string {
  return readFileSync(new URL(page, root), 'utf8');
}

/** All blocks of code of a page, in their order. */
export function blocksOf(page: string): DocumentedBlock[] {
  const blocks: DocumentedBlock[] = [];
  let under = '';
  for (const [, heading, language, text] of pageText(page).matchAll(
    /^#+ (.*)$|^```(\w*)\n([\s\S]*?)^```$/gm,
  )) {
    if (heading !== undefined) under = heading;
    else blocks.push({ language: language ?? '', text: text ?? '', under });
  }
  return blocks;
}

/** The value of a block in JSON or YAML. */
export function valueOf({ language, text }: DocumentedBlock): unknown {
  return language === 'json' ? JSON.parse(text) : parse(text, { strict: true, uniqueKeys: true });
}
