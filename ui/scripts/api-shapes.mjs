// Where the OpenAPI document says "an object" and the pages know more: the place in the document, and the type of
// src/api/types that the generated field gets. `[]` means the items. Generating fails for a place that is not in the
// document, or of which it says more by now.
export const KNOWN = {
  'AppChange.repository': 'NewRepository',
  'Applied.plan[]': 'PlanItem',
  'ChangeView.holds[]': 'Hold',
  'CheckBody.form': 'ConfigForm',
  'ConfigRevisionFull.form': 'ConfigForm',
  'ConfigView.filter': 'PathFilter',
  'ConfigView.hooks': 'Hooks',
  'ConfigView.shared': 'SharedPaths',
  'EnvironmentBody.base': 'EnvironmentForm',
  'EnvironmentBody.form': 'EnvironmentForm',
  'EnvironmentView.form': 'EnvironmentForm',
  'LogWindow.items[]': 'LogLine',
  'NewApp.repository': 'NewRepository',
  'PartingView.before[]': 'LogLine',
  'PartingView.now[]': 'LogLine',
  'SaveBody.form': 'ConfigForm',
  'SavedConfig.form': 'ConfigForm',
}
