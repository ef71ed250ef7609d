import { sha256Hex } from '../../../system/mod.js';
import type { XmlFields } from './xml.js';

/** The one owner of everything here, with an id of the form that S3 gives to accounts. */
export function ownerOf(accountId: string): XmlFields {
  return { ID: sha256Hex(accountId) };
}
