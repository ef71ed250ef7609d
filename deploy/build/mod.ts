export { buildApp } from './app.js';
export { bundle } from './bundle.js';
export { checkArtifactFile, checkBuild } from './check.js';
export { CODE_COMPONENTS, type CodeComponent } from './components.js';
export { buildProject } from './gdk-build.js';
export { nativeFiles } from './native.js';
export { billOfMaterials, licencesFile, shippedPackages } from './notices.js';
export { platformHere, PLATFORMS, platformsOf } from './platforms.js';
export { writeZip } from './zip.js';
