/** The components that this project ships beside models: their names in recipes, deployments and configuration. */
export const AGENT_COMPONENT = 'org.edgemanager.AgentRuntime';
export const UPLOADER_COMPONENT = 'org.edgemanager.CaptureUploader';
