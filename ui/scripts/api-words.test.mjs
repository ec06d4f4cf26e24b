// @vitest-environment node
import { describe, expect, it } from 'vitest'
import * as types from '../src/api/types'
import { readDocument } from './api-types.mjs'

// The lists of src/api/types, which pages show all of, by the schema that they list.
const LISTS = {
  AnnotationLevel: types.ANNOTATION_LEVELS,
  CellState: types.CELL_STATES,
  ChangeState: types.CHANGE_STATES,
  ChannelKind: types.CHANNEL_KINDS,
  CommitState: types.COMMIT_STATES,
  DeploymentState: types.DEPLOYMENT_STATES,
  FileStatus: types.FILE_STATUSES,
  ForgeKind: types.FORGE_KINDS,
  HookState: types.HOOK_STATES,
  HostCheckCode: types.HOST_CHECK_CODES,
  HostRunState: types.HOST_RUN_STATES,
  JobState: types.JOB_STATES,
  LiveVerdict: types.LIVE_VERDICTS,
  MergeMethod: types.MERGE_METHODS,
  MergeWay: types.MERGE_WAYS,
  OutboxState: types.OUTBOX_STATES,
  RequestKind: types.REQUEST_KINDS,
  RequestState: types.REQUEST_STATES,
  ReviewVerdict: types.VERDICTS_OF_REVIEW,
  Role: types.ROLES,
  RunState: types.RUN_STATES,
  ScanStatus: types.SCAN_STATUSES,
  SearchKind: types.SEARCH_KINDS,
  StepState: types.STEP_STATES,
  TerminalEnd: types.TERMINAL_ENDS,
  TerminalState: types.TERMINAL_STATES,
  Trigger: types.TRIGGERS,
  ValueChangeKind: types.VALUE_CHANGES,
  ValueKind: types.VALUE_KINDS,
  ValueLevel: types.VALUE_LEVELS,
  Verdict: types.VERDICTS,
}

describe('the words that pages show', async () => {
  const { schemas } = (await readDocument()).components

  it.each(Object.entries(LISTS))('are all those of %s', (name, words) => {
    expect([...words].sort()).toEqual([...schemas[name].enum].sort())
  })
})
