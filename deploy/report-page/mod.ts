export { reportPage, type PageContent } from './page.js';
export { writeReportPage } from './page-file.js';
