// What require('sluice') gives: the very classes that import gives, so their types are the same too.
import type * as sluice from './index.js' with { 'resolution-mode': 'import' };

export declare const Multi: typeof sluice.Multi;
export declare const Remote: typeof sluice.Remote;
export declare const Transfer: typeof sluice.Transfer;
export declare const TransferError: typeof sluice.TransferError;
export declare const fetchHost: typeof sluice.fetchHost;
export declare const nodeHost: typeof sluice.nodeHost;
export type Multi = sluice.Multi;
export type Remote = sluice.Remote;
export type Transfer = sluice.Transfer;
export type TransferError = sluice.TransferError;
export type Code = sluice.Code;
export type Direction = sluice.Direction;
export type Head = sluice.Head;
export type Host = sluice.Host;
export type Limits = sluice.Limits;
export type Progress = sluice.Progress;
export type Result = sluice.Result;
export type State = sluice.State;
export type TlsOptions = sluice.TlsOptions;
export type TraceEvent = sluice.TraceEvent;
export type TransferEvents = sluice.TransferEvents;
export type TransferOptions = sluice.TransferOptions;
