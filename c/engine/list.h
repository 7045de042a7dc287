/* list.h: doubly linked lists through members of the elements; one set of macros for the engine's five lists. */
#ifndef SLUICE_LIST_H
#define SLUICE_LIST_H

#define SL_LIST_APPEND(first, last, item, prev, next)         \
  do {                                                        \
    (item)->prev = (last);                                    \
    (item)->next = NULL;                                      \
    *((last) ? &(last)->next : &(first)) = (item);            \
    (last) = (item);                                          \
  } while (0)

#define SL_LIST_REMOVE(first, last, item, prev, next)         \
  do {                                                        \
    *((item)->prev ? &(item)->prev->next : &(first)) = (item)->next; \
    *((item)->next ? &(item)->next->prev : &(last)) = (item)->prev;  \
    (item)->prev = (item)->next = NULL;                       \
  } while (0)

#endif
