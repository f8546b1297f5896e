/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of the file routes. Main hands it to the server.
 */
#include "config.h"

#include "runtime/routes/routes-files.h"

#include <stddef.h>
#include <stdint.h>

#include "runtime/files/files.h"

const struct route routes_files[] = {
	{ .method = "POST",
	  .path = "/upload",
	  .body_max = SIZE_MAX, /* the disk is the limit */
	  .start = upload_start,
	  .take = upload_take,
	  .handle = upload_handle },
	{ .method = "GET", .path = "/download/{path}", .handle = download_handle },
	{ .method = "HEAD", .path = "/download/{path}", .handle = download_handle },
	{ .method = "GET", .path = "/list/{path}", .handle = list_handle },
	{ .method = "HEAD", .path = "/list/{path}", .handle = list_handle },
	{ .method = "GET", .path = "/exists/{path}", .handle = exists_handle },
	{ .method = "HEAD", .path = "/exists/{path}", .handle = exists_handle },
	{ 0 },
};
