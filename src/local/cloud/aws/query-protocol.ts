import type { HttpRequest } from '../../http/mod.js';
import { isJsonObject } from '../../../core/mod.js';
import { element, XML_HEAD } from '../../xml/mod.js';
import { AwsError } from './errors.js';
import type { Operation } from './model.js';

/** AWS's query protocol, which STS speaks: the operation is a field of a posted form, the answer XML. */
const VERSION = '2011-06-15';
const XMLNS = `https://sts.amazonaws.com/doc/${VERSION}/`;
const REQUEST_ID = element('RequestId', '00000000-0000-0000-0000-000000000000');

export function isForm(request: HttpRequest): boolean {
  return (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
}

/** The members of a posted form. Throws InvalidAction where it asks for another operation or version. */
export function readForm(operation: Operation, body: Buffer): Record<string, string> {
  const form = new URLSearchParams(body.toString());
  const { Action, Version, ...members } = Object.fromEntries(form);
  if (Action !== operation.name || Version !== VERSION) {
    throw new AwsError(
      'InvalidAction',
      400,
      `Could not find operation ${Action ?? ''} for version ${Version ?? ''}`,
    );
  }
  return members;
}

export function queryAnswer(operation: Operation, output: unknown): string {
  const members = Object.entries(isJsonObject(output) ? output : {});
  const result = members
    .flatMap(([name, value]) => (typeof value === 'string' ? element(name, value) : []))
    .join('');
  const inside = `<${operation.name}Result>${result}</${operation.name}Result><ResponseMetadata>${REQUEST_ID}</ResponseMetadata>`;
  return `${XML_HEAD}<${operation.name}Response xmlns="${XMLNS}">${inside}</${operation.name}Response>`;
}

export function queryError({ name, status, message }: AwsError): string {
  const type = element('Type', status < 500 ? 'Sender' : 'Receiver');
  const error = `<Error>${type}${element('Code', name)}${element('Message', message)}</Error>`;
  return `${XML_HEAD}<ErrorResponse xmlns="${XMLNS}">${error}${REQUEST_ID}</ErrorResponse>`;
}
