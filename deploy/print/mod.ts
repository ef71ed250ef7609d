export { Printer, type Output } from './printer.js';
