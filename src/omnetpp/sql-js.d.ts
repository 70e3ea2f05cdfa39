/** The part of sql.js that is used, with its WebAssembly in the same file. */
declare module "sql.js/dist/sql-wasm-inline.js" {
  export interface Statement {
    /** Goes to the next row; false if there is none. */
    step(): boolean;
    get(): (number | string | Uint8Array | null)[];
    free(): boolean;
  }
  export interface Database {
    prepare(query: string): Statement;
    exec(query: string): { values: (number | string | Uint8Array | null)[][] }[];
    close(): void;
  }
  export interface SqlJsStatic {
    Database: new (content: Uint8Array) => Database;
  }
  export default function initSqlJs(): Promise<SqlJsStatic>;
}
