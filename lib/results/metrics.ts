export {
  appendMetrics,
  metricsFile,
  type MetricsFile,
  readMetrics,
  restoreMetrics,
} from '../train/epoch-metrics';
