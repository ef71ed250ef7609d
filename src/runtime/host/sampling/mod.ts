/** Which inferences are captured: in the host that made them, or in the control process for hosts that can't decide. */
export * from './model-capture.js';
