/** Greengrass's alphabet for component names. */
export const COMPONENT_NAME_PATTERN = '^[a-zA-Z0-9][a-zA-Z0-9_.-]*$';

/**
 * Files of a package lie flat, as gdk and lite's local deployments want plain files; the alphabet leaves out
 * everything that a shell, a URI or a file system reads specially (separators, `..`, NUL, spaces, Unicode look-alikes).
 */
export const FILE_NAME_PATTERN = '^[A-Za-z0-9][A-Za-z0-9_-]*(\\.[A-Za-z0-9_-]+)*$';
export const FILE_NAME_MAX_LENGTH = 128;

export const MANIFEST_FILE = 'manifest.json';
export const SIGNATURE_FILE = 'model.sig';

const fileName = new RegExp(FILE_NAME_PATTERN);

/** Whether a package may hold a file of this name. */
export function isPackageFileName(name: string): boolean {
  return name.length <= FILE_NAME_MAX_LENGTH && fileName.test(name);
}
