// Tests do not fill the user's memory of teachers; those of the memory name a folder of their own.
process.env['NORM_DIRECTION_LAB_TEACHER_CACHE'] ??= 'off';
