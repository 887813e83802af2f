/**
 * `roles` and `permissions` come as a JSON array or as a string; both give the same list: order kept, empty items and
 * duplicates dropped. A separator inside an array item refuses the token (undefined): downstream the list is joined by
 * commas, and one role must not become two.
 */
export declare const normaliseList: (value: unknown) => readonly string[] | undefined;
