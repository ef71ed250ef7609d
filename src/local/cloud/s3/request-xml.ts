import { SaxesParser } from 'saxes';
import { s3Errors } from './errors.js';

/** An element of a request's body: its text, and its children by name in their order. */
export interface XmlNode {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlNode[];
}

interface OpenNode {
  readonly name: string;
  text: string;
  readonly children: OpenNode[];
}

/** Throws MalformedXML where it is no XML, has a document type, or another root. */
export function parseXml(text: string, root: string): XmlNode {
  const top: OpenNode = { name: '', text: '', children: [] };
  const open = [top];
  const parser = new SaxesParser();
  parser.on('error', () => {
    throw s3Errors.malformedXml();
  });
  parser.on('doctype', () => {
    throw s3Errors.malformedXml();
  });
  parser.on('opentag', ({ name }) => {
    const node: OpenNode = { name: name.replace(/^.*:/, ''), text: '', children: [] };
    open.at(-1)?.children.push(node);
    open.push(node);
  });
  const append = (more: string): void => {
    const node = open.at(-1);
    if (node !== undefined && node !== top) node.text += more;
  };
  parser.on('text', append);
  parser.on('cdata', append);
  parser.on('closetag', () => void open.pop());
  parser.write(text).close();
  const [only] = top.children;
  if (only?.name !== root) throw s3Errors.malformedXml();
  return only;
}

/** The text of the only child of that name; undefined where there is none. Throws MalformedXML where there are several. */
export function childText(node: XmlNode, name: string): string | undefined {
  const found = node.children.filter((child) => child.name === name);
  if (found.length > 1) throw s3Errors.malformedXml();
  return found[0]?.text;
}

/** Throws MalformedXML where a child has a name that is not among these. */
export function allowChildren(node: XmlNode, names: readonly string[]): void {
  if (node.children.some(({ name }) => !names.includes(name))) throw s3Errors.malformedXml();
}
