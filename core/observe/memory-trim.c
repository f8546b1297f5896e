/* SPDX-License-Identifier: Apache-2.0 */
/* Gives free memory back to the kernel. Called by the programs while they wait. */
#include "config.h"

#include "core/observe/memory-trim.h"

#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Whether the loader has written into the text of an object, so that it differs from the file. */
static bool trim_has_changed_text(const struct dl_phdr_info *info)
{
	for (unsigned int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];

		if (header->p_type != PT_DYNAMIC) {
			continue;
		}
		for (const ElfW(Dyn) *entry = (const void *)(info->dlpi_addr + header->p_vaddr);
		     entry->d_tag != DT_NULL; entry++) {
			if (entry->d_tag == DT_TEXTREL ||
			    (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0)) {
				return true;
			}
		}
	}
	return false;
}

/* Segments that cannot be written to hold what the file holds, so they may be dropped. A refusal by
 * the kernel does no harm. */
static int trim_release_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	const uintptr_t page = *(const uintptr_t *)arg;

	(void)size;
	if (trim_has_changed_text(info)) {
		return 0;
	}
	for (unsigned int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		uintptr_t from = (info->dlpi_addr + header->p_vaddr + page - 1) / page * page;
		uintptr_t to = (info->dlpi_addr + header->p_vaddr + header->p_filesz) / page * page;

		if (header->p_type == PT_LOAD && (header->p_flags & PF_W) == 0 && from < to) {
			(void)madvise((void *)from, to - from, MADV_DONTNEED);
		}
	}
	return 0;
}

void memory_trim(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	malloc_trim(0);
	dl_iterate_phdr(trim_release_object, &page);
}
