import { answerParent } from '../../examples/floors/child.js';
import { startTestS3 } from '../lib/s3.js';

/** A local S3 in a process of its own, so that uploads do not share its core. Its one answer is its endpoint. */
const { s3 } = await startTestS3();
answerParent(() => Promise.resolve(s3.endpoint));
