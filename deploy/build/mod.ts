export { bundle, type Bundle } from './bundle.js';
export { checkArtifactFile, checkBuild, type BuiltComponent } from './check.js';
export { BUNDLE_COMPONENT, CODE_COMPONENTS, type CodeComponent } from './components.js';
export { buildProject, type BuildOptions } from './gdk-build.js';
export { nativeFiles, type NativeFile, type NativePackage } from './native.js';
export { billOfMaterials, licencesFile, shippedPackages } from './notices.js';
export { platformHere, PLATFORMS, platformsOf, type Platform } from './platforms.js';
export { writeZip, type ArtifactFile } from './zip.js';
