import { element, escapeXml, XML_HEAD } from '../../xml/mod.js';

const XMLNS = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** What an element holds; undefined and `[]`: there is no such element, a list: one for each. */
export type XmlContent = string | number | boolean | undefined | XmlFields | readonly (string | XmlFields)[];
export interface XmlFields {
  readonly [name: string]: XmlContent;
}

/** A document of S3's. */
export function s3Document(root: string, content: XmlFields | string): string {
  const inside = typeof content === 'string' ? escapeXml(content) : fields(content);
  return `${XML_HEAD}<${root} xmlns="${XMLNS}">${inside}</${root}>`;
}

export function errorDocument(content: XmlFields): string {
  return `${XML_HEAD}<Error>${fields(content)}</Error>`;
}

function fields(content: XmlFields): string {
  return Object.entries(content)
    .map(([name, value]) => field(name, value))
    .join('');
}

function field(name: string, value: XmlContent): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map((one: string | XmlFields) => field(name, one)).join('');
  if (typeof value !== 'object') return element(name, value);
  return `<${name}>${fields(value as XmlFields)}</${name}>`;
}
